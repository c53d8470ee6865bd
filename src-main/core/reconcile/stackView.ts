/** How a stack stands as a whole. Pure. */
import type { ServiceView, StackView } from '../../contract/nouns';
import { sentence, type Sentence } from '../../contract/sentence';
import type { StackRow } from '../store';
import { worst } from './view';

/** The view of a stack from those of its services; `declared` counts services that have no view yet too. */
export function stackViewOf(stack: StackRow, services: readonly ServiceView[], declared: number): StackView {
  const troubled = services.filter((service) => service.health === 'critical' || service.health === 'warning');
  const changing = services.filter((service) => service.health === 'progress').length + (declared - services.length);
  const well = services.filter((service) => service.health === 'ok' || service.health === 'off');
  let words: Sentence;
  if (stack.removing) words = sentence('stack.removing');
  else if (troubled.length > 0) words = sentence('stack.needYou', { count: troubled.length });
  else if (changing > 0) words = sentence('stack.changing', { count: changing });
  else if (services.length > 0 && services.every((service) => service.health === 'off')) {
    const rests = services.some((service) => service.words.code === 'service.resting');
    words = sentence(rests ? 'stack.resting' : 'stack.stopped');
  } else words = sentence('stack.well');
  const health = stack.removing ? 'progress' : worst(services.map((service) => service.health));
  return {
    name: stack.name,
    version: stack.version,
    health: declared > services.length && health !== 'critical' && health !== 'warning' ? 'progress' : health,
    words,
    services: declared,
    ready: well.length,
    networks: Object.values(stack.spec.networks).map((network) => network.name),
    volumes: Object.values(stack.spec.volumes).map((volume) => volume.name),
    from: stack.source.files.map((file) => file.name),
    removing: stack.removing !== undefined,
    ...(stack.adopted === true ? { adopted: true } : {}),
    createdAt: stack.createdAt,
    updatedAt: stack.updatedAt,
  };
}
