/** Networks with addresses and names. */
import type { Clock } from '../../base/clock';
import type { Random } from '../../base/random';
import { EngineError, type Engine, type EngineNetwork } from '../../core/engine';
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
  used: Set<number>;
  /** No address below is free. */
  firstFree: number;
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
    const { used, subnet } = network;
    const size = 2 ** (32 - subnet.bits);
    let address: number;
    if (attachment.fixed === undefined) {
      address = network.firstFree;
      while (used.has(address)) address += 1;
      if (address >= subnet.base + size - 1)
        throw new EngineError('refused', "no available IPv4 addresses on this network's address pools");
      network.firstFree = address + 1;
    } else {
      address = toNumber(attachment.fixed);
      if (address < subnet.base || address >= subnet.base + size) {
        throw new EngineError(
          'invalid',
          `invalid address ${attachment.fixed}: It does not belong to any of this network's subnets`,
        );
      }
      if (used.has(address)) throw new EngineError('refused', 'Address already in use');
    }
    used.add(address);
    network.taken.set(container.id, address);
    attachment.address = toText(address);
  }

  /** Takes the address back. */
  leave(container: Container, attachment: Attachment): void {
    attachment.address = '';
    const network = this.networks.get(attachment.networkId);
    const address = network?.taken.get(container.id);
    if (!network || address === undefined) return;
    network.taken.delete(container.id);
    network.used.delete(address);
    network.firstFree = Math.min(network.firstFree, address);
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

  private add(network: Omit<Network, 'id' | 'createdAt' | 'taken' | 'used' | 'firstFree'>): Network {
    const made = {
      ...network,
      id: hexadecimal(this.world.random, 64),
      createdAt: this.world.clock.now(),
      taken: new Map<string, number>(),
      used: new Set<number>(),
      firstFree: (network.subnet?.base ?? 0) + 2,
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

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
