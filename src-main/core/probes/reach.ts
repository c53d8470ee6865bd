/** From where a container's port can be probed: its own address on a Linux engine of this machine, else a port it publishes. Pure. */
import type { ContainerDetail } from '../engine';

/** Where to dial, and how that was found. */
export interface Reach {
  host: string;
  port: number;
  via: 'address' | 'published';
}

/**
 * The way to `port` of a running container; undefined when there is none from this machine. `near`: its own addresses can be dialled.
 * A container without a network of its own shares the one of the machine.
 */
export function reachOf(detail: ContainerDetail, port: number, near: boolean): Reach | undefined {
  const names = Object.keys(detail.networks).sort();
  if (near) {
    if (names.length === 1 && names[0] === 'host') return { host: '127.0.0.1', port, via: 'address' };
    for (const name of names) {
      const address = detail.networks[name]?.address;
      if (address !== undefined && address !== '') return { host: address, port, via: 'address' };
    }
  }
  const published = detail.ports.find((one) => one.target === port && one.protocol === 'tcp');
  if (!published) return undefined;
  const anywhere = ['', '0.0.0.0', '::'].includes(published.hostIp);
  return { host: anywhere ? '127.0.0.1' : published.hostIp, port: published.published, via: 'published' };
}
