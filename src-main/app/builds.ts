/** Builds the images of stacks: folders are read as for any build of an image, and never outside of the stack's own. */
import { createHash } from 'node:crypto';
import { openContext } from '../archive';
import { buildMark, type Builder, type BuildWish } from '../core/reconcile';
import type { BuildInput, Resources } from '../core/resources';

/** `resources` does the building, as a job that every screen shows. */
export function openBuilder(resources: () => Pick<Resources, 'build'>): Builder {
  return {
    async mark(wish) {
      const { folder, dockerfile, ...rest } = inputOf(wish);
      const context = await openContext({ ...rest, folder, dockerfile });
      const how = createHash('sha256').update(JSON.stringify({ dockerfile, ...rest, within: '' }));
      return how
        .update(await context.mark())
        .digest('hex')
        .slice(0, 32);
    },
    build(wish, mark) {
      const input = inputOf(wish);
      // As Compose marks its own; ours says what it was built of.
      const labels = { 'com.docker.compose.project': wish.stack, 'com.docker.compose.service': wish.service };
      return resources().build({ ...input, labels: { ...input.labels, ...labels, [buildMark]: mark } });
    },
  };
}

function inputOf({ image, build, within }: BuildWish): BuildInput {
  const { context, dockerfile = 'Dockerfile', always: _, id: _id, ...more } = build;
  return { ...more, tag: image, folder: context, dockerfile, within };
}
