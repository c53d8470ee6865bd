/** The ports of the machine under the engine. */
import { EngineError, type ContainerDetail } from '../../core/engine';
import type { Container } from './container';

interface Binding {
  hostIp: string;
  port: number;
  protocol: string;
  /** Container id, or the name of a process of the host. */
  owner: string;
}

/** Who holds which port: a container, or a process of the host. */
export class HostPorts {
  private bindings: Binding[] = [];

  /** A process of the host takes the port. */
  steal(port: number, owner = 'host'): void {
    this.bindings.push({ hostIp: '0.0.0.0', port, protocol: 'tcp', owner });
  }

  /** Gives back what an owner holds. */
  release(owner: string): void {
    this.bindings = this.bindings.filter((binding) => binding.owner !== owner);
  }

  /** Gives one port of the host back to the world. */
  giveBack(port: number): void {
    this.bindings = this.bindings.filter((binding) => binding.port !== port || binding.owner.length === 64);
  }

  /** Binds what a container publishes, all or nothing; throws `port-taken` in the engine's words (F8). */
  bind(container: Container): ContainerDetail['ports'] {
    const bound: ContainerDetail['ports'] = [];
    try {
      for (const { target, protocol, hostIp, published } of container.request.host.ports) {
        const address = hostIp || '0.0.0.0';
        const port = published ?? this.free(protocol);
        const holder = this.bindings.find(
          (other) =>
            other.port === port &&
            other.protocol === protocol &&
            (other.hostIp === address || isAny(other.hostIp) || isAny(address)),
        );
        if (holder) throw taken({ name: container.name, address, port, byContainer: holder.owner.length === 64 });
        this.bindings.push({ hostIp: address, port, protocol, owner: container.id });
        bound.push({ target, protocol, hostIp: address, published: port });
        // Unless told an address, Docker binds both families and shows both.
        if (hostIp === undefined || hostIp === '') bound.push({ target, protocol, hostIp: '::', published: port });
      }
    } catch (thrown) {
      this.release(container.id);
      throw thrown;
    }
    return bound;
  }

  private free(protocol: string): number {
    let port = 32768;
    while (this.bindings.some((binding) => binding.port === port && binding.protocol === protocol)) port += 1;
    return port;
  }
}

function taken(clash: { name: string; address: string; port: number; byContainer: boolean }): EngineError {
  const start = `driver failed programming external connectivity on endpoint ${clash.name}: `;
  const place = `${clash.address}:${clash.port}`;
  return new EngineError(
    'port-taken',
    clash.byContainer
      ? `${start}Bind for ${place} failed: port is already allocated`
      : `${start}Error starting userland proxy: listen tcp4 ${place}: bind: address already in use`,
  );
}

function isAny(address: string): boolean {
  return address === '' || address === '0.0.0.0' || address === '::';
}
