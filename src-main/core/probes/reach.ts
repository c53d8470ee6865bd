/** From where a container's port can be probed: its own address on a Linux engine of this machine, else a port it publishes. Pure. */
import type { ContainerDetail } from '../engine';

/** Where to dial, and how that was found. */
export interface Reach {
  host: string;
  port: number;
  via: 'address' | 'published';
}

/**
 * The way to `port` of a running container; undefined when there is none from this machine. `from`: true when its own addresses can be
 * dialled; the name of its machine when that is another one. A container without a network of its own shares the one of the machine.
 */
export function reachOf(detail: ContainerDetail, port: number, from: boolean | string): Reach | undefined {
  const names = Object.keys(detail.networks).sort();
  const machine = typeof from === 'string' ? from : '127.0.0.1';
  if (machine !== '127.0.0.1' && names.length === 1 && names[0] === 'host')
    return { host: machine, port, via: 'address' };
  if (from === true) {
    if (names.length === 1 && names[0] === 'host') return { host: '127.0.0.1', port, via: 'address' };
    for (const name of names) {
      const address = detail.networks[name]?.address;
      if (address !== undefined && address !== '') return { host: address, port, via: 'address' };
    }
  }
  const published = detail.ports.find((one) => one.target === port && one.protocol === 'tcp');
  if (!published) return undefined;
  const anywhere = ['', '0.0.0.0', '::'].includes(published.hostIp);
  return { host: anywhere ? machine : published.hostIp, port: published.published, via: 'published' };
}
