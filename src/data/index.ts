// Datasets and the loader that makes batches of them.
export { type Collated, collate } from './collate.ts'
export { DataLoader, type DataLoaderOptions, type DataLoaderState } from './data-loader.ts'
export { type Dataset, TensorDataset } from './dataset.ts'
export { type DigitsDataset, digits } from './digits.ts'
