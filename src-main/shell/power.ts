/** What the system tells Electron of the computer, told to the core: sleep, battery, lock. */
import { powerMonitor } from 'electron';
import { DisposableStore, toDisposable, type Disposable } from '../base/lifecycle';
import type { Client } from '../contract/client';

/** Not every Linux desktop tells of the battery, so it is asked, too; milliseconds. */
const askEvery = 60_000;

/** Reports until disposed or the client closes. */
export function watchPower(client: Client): Disposable {
  const owned = new DisposableStore();
  const report = (state: { asleep?: boolean; battery?: boolean; locked?: boolean }): void => {
    // A core that is going has no use for it.
    client.call('power.report', state).catch(() => undefined);
  };
  const reports = [
    ['suspend', { asleep: true }],
    ['resume', { asleep: false }],
    ['on-battery', { battery: true }],
    ['on-ac', { battery: false }],
    ['lock-screen', { locked: true }],
    ['unlock-screen', { locked: false }],
  ] as const;
  for (const [event, state] of reports) {
    const heard = (): void => report(state);
    // The overloads name one event each; all of these have listeners without arguments.
    powerMonitor.on(event as 'resume', heard);
    owned.add(toDisposable(() => powerMonitor.off(event as 'resume', heard)));
  }
  let battery = powerMonitor.isOnBatteryPower();
  report({ battery });
  const timer = setInterval(() => {
    const now = powerMonitor.isOnBatteryPower();
    if (now !== battery) report({ battery: (battery = now) });
  }, askEvery);
  owned.add(toDisposable(() => clearInterval(timer)));
  return owned;
}
