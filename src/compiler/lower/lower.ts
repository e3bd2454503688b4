// One kernel group of the schedule becomes one kernel: each anchor has its own way of looping.
import type { KernelGroup } from '../schedule-types.ts'
import type { Target } from '../target.ts'
import { lowerComposite } from './composite.ts'
import { lowerTest } from './index-test.ts'
import type { LoweredKernel } from './lowered-kernel.ts'
import { lowerMap } from './map.ts'
import { lowerRow } from './row.ts'
import { lowerScan } from './scan/scan.ts'
import { lowerScatter } from './scatter.ts'
import { lowerTile } from './tile/tile.ts'

export type { LoweredKernel }

export function lower(group: KernelGroup, target: Target): LoweredKernel {
  switch (group.anchor) {
    case 'map':
      return lowerMap(group, target)
    case 'row':
      return lowerRow(group, target)
    case 'scatter':
      return lowerScatter(group, target)
    case 'tile':
      return lowerTile(group, target)
    case 'scan':
      return lowerScan(group, target)
    case 'composite':
      return lowerComposite(group, target)
    case 'test':
      return lowerTest(group, target)
  }
}
