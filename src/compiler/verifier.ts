// What checks each stage of a compilation in checked mode. Devices hand it to the compiler, so that bundles for browsers do without it.
import { verifyGraph } from '../graph/verify.ts'
import { verifyKernel } from '../kernel/verify.ts'
import { verifyMemory, verifySchedule } from './verify-plan.ts'

export interface Verifier {
  readonly graph: typeof verifyGraph
  readonly schedule: typeof verifySchedule
  readonly memory: typeof verifyMemory
  readonly kernel: typeof verifyKernel
}

export const verifier: Verifier = {
  graph: verifyGraph,
  schedule: verifySchedule,
  memory: verifyMemory,
  kernel: verifyKernel,
}
