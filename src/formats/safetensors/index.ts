// The safetensors format: strict reader and writer. https://github.com/huggingface/safetensors
export { readFile, writeFile } from './file.ts'
export type { RawTensor } from './layout.ts'
export { type Metadata, parse, type RawTensors, type SafetensorsFile, serialize } from './serialize.ts'
export { load, type NamedTensors, save } from './tensors.ts'
