/** What of a stack is to be built before it is applied, and building it: one image after the other, and nothing else changes before. */
import { fail } from '../../contract/errors';
import type { BuildSpec, ServiceSpec, StackSpec } from '../../contract/spec';
import { type Engine, EngineError } from '../engine';

/** One image to be made. */
export interface BuildWish {
  image: string;
  build: BuildSpec;
  /** The stack's folder: nothing outside of it is read. */
  within: string;
  stack: string;
  service: string;
}

/** Reads folders and builds images of them. */
export interface Builder {
  /** What lies in the folder now and how it would be built, as a short hash. Throws a problem when it cannot be read. */
  mark(wish: BuildWish): Promise<string>;
  /** Builds the image and names it; the mark is put on it as `buildMark`. Throws a problem with the builder's reason. */
  build(wish: BuildWish, mark: string): Promise<void>;
}

/** Label of a built image: what it was built of. */
export const buildMark = 'io.pilothouse.build';

/** In the place of an id in plans: nobody knows it before. */
const unknownId = 'to be built';

/** An image of the stack that is built here. */
export interface Build {
  wish: BuildWish;
  mark: string;
  /** The image that bears the name now. */
  id?: string;
  /** There is none, or it is of something else, or the user wants it anew. */
  due?: 'missing' | 'changed' | 'wanted';
}

/** Looks at every image that the stack builds. `all`: also what has not changed is built anew. */
export async function buildsOf(
  spec: StackSpec,
  parts: { engine: Engine | undefined; builder: Builder | undefined; within: string; all: boolean },
): Promise<Build[]> {
  const { engine, builder, within, all } = parts;
  const wishes = new Map<string, BuildWish>();
  for (const [service, { image, build }] of Object.entries(spec.services)) {
    if (build && !wishes.has(image)) wishes.set(image, { image, build, within, stack: spec.name, service });
  }
  if (wishes.size === 0) return [];
  if (!builder || !engine)
    throw fail('engine-away', 'No container engine answers, so nothing can be built.', 'See pilothouse status.');
  const builds: Build[] = [];
  for (const wish of wishes.values()) {
    const mark = await builder.mark(wish);
    const found = await ask(() => engine.inspectImage(wish.image));
    const due =
      all || wish.build.always
        ? 'wanted'
        : !found
          ? 'missing'
          : found.labels[buildMark] === mark
            ? undefined
            : 'changed';
    builds.push({ wish, mark, ...(found ? { id: found.id } : {}), ...(due ? { due } : {}) });
  }
  return builds;
}

/** Builds what is due and says what every image came to. The first that fails ends it. */
export async function buildDue(builds: readonly Build[], engine: Engine, builder: Builder): Promise<Build[]> {
  const done: Build[] = [];
  for (const build of builds) {
    if (!build.due) {
      done.push(build);
      continue;
    }
    await builder.build(build.wish, build.mark);
    const found = await ask(() => engine.inspectImage(build.wish.image));
    if (!found) throw fail('not-found', `${build.wish.image} was built, and is not on the engine.`);
    done.push({ wish: build.wish, mark: build.mark, id: found.id });
  }
  return done;
}

/** The stack with the images that its services are made of. */
export function withBuilt(spec: StackSpec, builds: readonly Build[]): StackSpec {
  if (builds.length === 0) return spec;
  const byImage = new Map(builds.map((one) => [one.wish.image, one.due ? unknownId : (one.id ?? unknownId)]));
  const services = Object.entries(spec.services).map(([name, service]): [string, ServiceSpec] => {
    const id = service.build && byImage.get(service.image);
    return [name, service.build && id !== undefined ? { ...service, build: { ...service.build, id } } : service];
  });
  return { ...spec, services: Object.fromEntries(services) };
}

async function ask<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    throw fail('engine-away', `The engine cannot say which images it has: ${thrown.message}`);
  }
}

/** What a container of this service is made of: the image that was built for it, else whatever has the name. */
export function imageOf(spec: Pick<ServiceSpec, 'image' | 'build'>): string {
  return spec.build?.id ?? spec.image;
}
