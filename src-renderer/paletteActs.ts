/** What the command palette offers beyond screens: services to open, acts on them. */
import { onScopeDispose } from 'vue';
import { useI18n } from 'vue-i18n';
import { useRouter } from 'vue-router';
import { providePalette, type PaletteItem } from './frame/palette';
import { useServices } from './stores/services';
import { useStacks } from './stores/stacks';
import { useActs } from './views/useActs';

export function usePaletteActs(): void {
  const { t } = useI18n();
  const router = useRouter();
  const services = useServices();
  const stacks = useStacks();
  const { run } = useActs();

  const goTo = providePalette({
    id: 'objects',
    items: () => [
      ...services.sorted.map((service): PaletteItem => ({
        id: `service:${service.key}`,
        group: 'goTo',
        title: service.key,
        hint: service.image,
        state: service.health,
        run: () => void router.push(`/services/${service.key}`),
      })),
      ...stacks.list.map((stack): PaletteItem => ({
        id: `stack:${stack.name}`,
        group: 'goTo',
        title: stack.name,
        state: stack.health,
        run: () => void router.push(`/apply/${stack.name}`),
      })),
    ],
  });
  const acts = providePalette({
    id: 'acts',
    // Acts are many; they are offered only once something was typed.
    items: (query) => {
      const apply: PaletteItem = {
        id: 'apply',
        group: 'actOn',
        title: t('pages.palette.apply'),
        run: () => void router.push('/apply'),
      };
      if (query.trim() === '') return [apply];
      return [
        apply,
        ...services.sorted.flatMap((service): PaletteItem[] => {
          const own = (id: string, title: string, act: () => Promise<unknown>): PaletteItem => ({
            id: `${id}:${service.key}`,
            group: 'actOn',
            title,
            run: () => void run(act),
          });
          const name = { service: service.key };
          return [
            own('restart', t('pages.palette.restart', name), () => services.restart(service.key)),
            service.stopped
              ? own('start', t('pages.palette.start', name), () => services.startService(service.key))
              : own('stop', t('pages.palette.stop', name), () => services.stop(service.key)),
            own('up', t('pages.palette.scaleUp', name), () => services.scale(service.key, service.replicas + 1)),
            ...(service.replicas > 1
              ? [
                  own('down', t('pages.palette.scaleDown', name), () =>
                    services.scale(service.key, service.replicas - 1),
                  ),
                ]
              : []),
            {
              id: `logs:${service.key}`,
              group: 'actOn',
              title: t('pages.palette.logs', name),
              run: () => void router.push({ path: '/logs', query: { services: service.key } }),
            },
          ];
        }),
      ];
    },
  });
  onScopeDispose(() => {
    goTo();
    acts();
  });
}
