// profile: a function goes in, and what the devices spent on each kernel while it ran comes out.
import { ArgumentError } from '../base/errors.ts'
import { measure, type ProfileReport } from '../runtime/profile.ts'
import { currentSession, openSessions } from './sessions.ts'

let isProfiling = false

/**
 * Runs `body` and measures every kernel that runs meanwhile, on all open devices. Waits for pending work before and after, so that
 * what is measured is what `body` asked for. `console.log(report)` prints a table; `await report.save('trace.json')` writes a trace for
 * chrome://tracing or ui.perfetto.dev; `report.result` is what `body` returned.
 * @throws ArgumentError when called inside another `profile`
 */
export async function profile<T>(body: () => T | Promise<T>): Promise<ProfileReport<T>> {
  if (isProfiling) throw new ArgumentError('profile: expected one profile at a time, got one inside another.')
  isProfiling = true
  try {
    currentSession()
    const sessions = [...openSessions()]
    const settle = async (): Promise<void> => {
      for (const session of sessions) await session.synchronize()
    }
    const devices = sessions.map(({ device }) => device)
    return await measure(devices, settle, body)
  } finally {
    isProfiling = false
  }
}
