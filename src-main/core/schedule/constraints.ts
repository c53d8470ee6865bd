/** Placement constraints as Swarm has them: `node.labels.zone == east`, `node.role != manager`. Values compare in any case. */
import type { SchedulerNode } from './types';

export interface Constraint {
  key: string;
  equal: boolean;
  value: string;
}

const shape = /^\s*([a-zA-Z][\w.\-/]*)\s*(==|!=)\s*(\S(?:.*\S)?)\s*$/;

/** Undefined when the text is no constraint. */
export function parseConstraint(text: string): Constraint | undefined {
  const match = shape.exec(text);
  if (!match?.[1] || match[3] === undefined) return undefined;
  return { key: match[1], equal: match[2] === '==', value: match[3] };
}

/** Whether a node meets it. A label that a node lacks equals nothing. */
export function meets(node: SchedulerNode, { key, equal, value }: Constraint): boolean {
  return (valueOf(node, key)?.toLowerCase() === value.toLowerCase()) === equal;
}

/** What a constraint or a spread preference looks at. */
export function valueOf(node: SchedulerNode, key: string): string | undefined {
  const label = /^(?:node|engine)\.labels\.(.+)$/.exec(key)?.[1];
  if (label !== undefined) return Object.hasOwn(node.labels, label) ? node.labels[label] : undefined;
  switch (key) {
    case 'node.id':
      return node.id;
    case 'node.hostname':
      return node.name;
    case 'node.role':
      return node.role ?? 'manager';
    case 'node.platform.os':
      return node.os;
    case 'node.platform.arch':
      return node.architecture;
    default:
      return undefined;
  }
}

const architectures: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  aarch64: 'arm64',
  armv7l: 'arm',
  i386: '386',
};

/** Whether a node runs images of `platform` (`os`, or `os/architecture`). What a node does not say is taken to fit. */
export function runs(node: SchedulerNode, platform: string): boolean {
  const [os, architecture] = platform.toLowerCase().split('/');
  const own = node.architecture?.toLowerCase();
  const plain = (name: string): string => architectures[name] ?? name;
  if (os && node.os && os !== node.os.toLowerCase()) return false;
  return !architecture || !own || plain(architecture) === plain(own);
}
