/** Networks with addresses and names, and the ports of the host. */
import type { Clock } from '../../base/clock';
import type { Random } from '../../base/random';
import { EngineError, type ContainerDetail, type Engine, type EngineNetwork } from '../../core/engine';
import type { Attachment, Container } from './container';
import { hexadecimal } from './images';

type CreateNetwork = Parameters<Engine['createNetwork']>[0];

interface Network {
  id: string;
  name: string;
  driver: string;
  internal: boolean;
  labels: Record<string, string>;
  subnet: { base: number; bits: number } | undefined;
  createdAt: number;
  /** Addresses in use, by container id. */
  taken: Map<string, number>;
}

const predefined = new Set(['bridge', 'host', 'none']);

/** The pools Docker hands out when nobody asks for a subnet: 15 of 16 bits, then 16 of 20. */
const pools: { base: number; bits: number }[] = [
  ...Array.from({ length: 15 }, (_, index) => ({ base: toNumber(`172.${17 + index}.0.0`), bits: 16 })),
  ...Array.from({ length: 16 }, (_, index) => ({ base: toNumber(`192.168.${16 * index}.0`), bits: 20 })),
];

export class Networks {
  private readonly networks = new Map<string, Network>();

  constructor(private readonly world: { clock: Clock; random: Random; containers: () => Iterable<Container> }) {
    for (const [name, driver] of [
      ['bridge', 'bridge'],
      ['host', 'host'],
      ['none', 'null'],
    ] as const) {
      this.add({ name, driver, internal: false, labels: {}, subnet: name === 'bridge' ? pools[0] : undefined });
    }
  }

  /** By id, name or beginning of an id. */
  find(reference: string): Network | undefined {
    const exact = this.networks.get(reference);
    if (exact) return exact;
    const all = [...this.networks.values()];
    const named = all.find((network) => network.name === reference);
    return named ?? (reference.length >= 4 ? all.find((network) => network.id.startsWith(reference)) : undefined);
  }

  /** Throws `not-found` in the engine's words. */
  get(reference: string): Network {
    const network = this.find(reference);
    if (!network) throw new EngineError('not-found', `network ${reference} not found`);
    return network;
  }

  list(): EngineNetwork[] {
    return [...this.networks.values()].map((network) => this.show(network, false));
  }

  /** As the port shows it; attached containers only when inspected. */
  show(network: Network, inspected: boolean): EngineNetwork {
    const containers: Record<string, string> = {};
    if (inspected) {
      for (const container of this.world.containers())
        if (network.taken.has(container.id)) containers[container.id] = container.name;
    }
    const { id, name, driver, internal, createdAt, subnet } = network;
    const subnets = subnet ? [`${toText(subnet.base)}/${subnet.bits}`] : [];
    return { id, name, driver, internal, labels: { ...network.labels }, subnets, containers, createdAt };
  }

  create(request: CreateNetwork): Network {
    if (predefined.has(request.name))
      throw new EngineError('refused', `operation is not permitted on predefined ${request.name} network`);
    if ([...this.networks.values()].some((network) => network.name === request.name)) {
      throw new EngineError('name-taken', `network with name ${request.name} already exists`);
    }
    const wanted = request.ipam?.config[0]?.subnet;
    const { name, driver, internal, labels } = request;
    return this.add({ name, driver: driver ?? 'bridge', internal, labels: { ...labels }, subnet: this.subnet(wanted) });
  }

  /** Throws `in-use` while a running container is attached; stopped ones do not hold it, as with Docker. */
  remove(reference: string): Network {
    const network = this.get(reference);
    if (predefined.has(network.name))
      throw new EngineError('refused', `${network.name} is a pre-defined network and cannot be removed`);
    if (network.taken.size > 0) {
      throw new EngineError(
        'in-use',
        `error while removing network: network ${network.name} id ${network.id} has active endpoints`,
      );
    }
    this.networks.delete(network.id);
    return network;
  }

  /** Gives the container its address on this network. */
  join(container: Container, attachment: Attachment): void {
    const network = this.find(attachment.networkId) ?? this.find(attachment.name);
    if (!network) throw new EngineError('refused', `network ${attachment.name} not found`);
    attachment.networkId = network.id;
    if (!network.subnet) return;
    const used = new Set(network.taken.values());
    const size = 2 ** (32 - network.subnet.bits);
    let address: number;
    if (attachment.fixed === undefined) {
      address = network.subnet.base + 2;
      while (used.has(address)) address += 1;
      if (address >= network.subnet.base + size - 1)
        throw new EngineError('refused', "no available IPv4 addresses on this network's address pools");
    } else {
      address = toNumber(attachment.fixed);
      if (address < network.subnet.base || address >= network.subnet.base + size) {
        throw new EngineError(
          'invalid',
          `invalid address ${attachment.fixed}: It does not belong to any of this network's subnets`,
        );
      }
      if (used.has(address)) throw new EngineError('refused', 'Address already in use');
    }
    network.taken.set(container.id, address);
    attachment.address = toText(address);
  }

  /** Takes the address back. */
  leave(container: Container, attachment: Attachment): void {
    this.networks.get(attachment.networkId)?.taken.delete(container.id);
    attachment.address = '';
  }

  /** What the embedded name server answers inside the network: addresses of running containers with that name or alias. */
  resolve(networkReference: string, name: string): string[] {
    const network = this.find(networkReference);
    if (!network) return [];
    const addresses: string[] = [];
    for (const container of this.world.containers()) {
      if (!network.taken.has(container.id)) continue;
      for (const attachment of container.attachments.values()) {
        if (attachment.networkId !== network.id) continue;
        if (container.name === name || container.id.startsWith(name) || attachment.aliases.includes(name))
          addresses.push(attachment.address);
      }
    }
    return addresses;
  }

  private add(network: Omit<Network, 'id' | 'createdAt' | 'taken'>): Network {
    const made = {
      ...network,
      id: hexadecimal(this.world.random, 64),
      createdAt: this.world.clock.now(),
      taken: new Map<string, number>(),
    };
    this.networks.set(made.id, made);
    return made;
  }

  private subnet(wanted: string | undefined): { base: number; bits: number } {
    const used = [...this.networks.values()].flatMap((network) => network.subnet ?? []);
    const overlaps = (one: { base: number; bits: number }): boolean =>
      used.some((other) => {
        const bits = Math.min(one.bits, other.bits);
        return Math.floor(one.base / 2 ** (32 - bits)) === Math.floor(other.base / 2 ** (32 - bits));
      });
    if (wanted === undefined) {
      const free = pools.find((pool) => !overlaps(pool));
      if (!free) throw new EngineError('refused', 'all predefined address pools have been fully subnetted');
      return free;
    }
    const match = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(wanted);
    const bits = Number(match?.[2]);
    if (!match?.[1] || bits < 1 || bits > 30) throw new EngineError('invalid', `invalid subnet ${wanted}`);
    const chosen = { base: Math.floor(toNumber(match[1]) / 2 ** (32 - bits)) * 2 ** (32 - bits), bits };
    if (overlaps(chosen)) throw new EngineError('denied', 'Pool overlaps with other one on this address space');
    return chosen;
  }
}

interface Binding {
  hostIp: string;
  port: number;
  protocol: string;
  /** Container id, or the name of a process of the host. */
  owner: string;
}

/** The ports of the machine under the engine. */
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

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
