/** What the frame shows, out of the stores: engines, counts, marks and the status bar. The one place where stores meet the frame. */
import { computed, type ComputedRef } from 'vue';
import { useI18n } from 'vue-i18n';
import type { AwayFact, FrameEngine, RailCount, StatusItem, TapeMark, TapeSpan } from './frame/frameData';
import { useWords } from './locales/useWords';
import type { State } from './parts/state';
import { useFormat } from './parts/useFormat';
import { useAlerts } from './stores/alerts';
import { useApp } from './stores/app';
import { useEngines } from './stores/engines';
import { useServices } from './stores/services';
import { useStacks } from './stores/stacks';
import { useTimeline } from './stores/timeline';

export interface FrameFacts {
  engines: ComputedRef<FrameEngine[]>;
  counts: ComputedRef<Record<string, RailCount>>;
  /** Alerts that fire and are not kept quiet. */
  firing: ComputedRef<number>;
  spans: ComputedRef<TapeSpan[]>;
  marks: ComputedRef<TapeMark[]>;
  status: ComputedRef<StatusItem[]>;
  statusEnd: ComputedRef<StatusItem[]>;
  away: ComputedRef<AwayFact | undefined>;
}

const engineStates: Record<'connected' | 'connecting' | 'away', State> = {
  connected: 'ok',
  connecting: 'progress',
  away: 'critical',
};

export function useFrameFacts(): FrameFacts {
  const { t } = useI18n();
  const say = useWords();
  const format = useFormat();
  const app = useApp();
  const engines = useEngines();
  const services = useServices();
  const stacks = useStacks();
  const timeline = useTimeline();
  const alerts = useAlerts();

  return {
    engines: computed(() =>
      engines.list.map((engine) => ({
        id: engine.id,
        name: engine.name,
        detail: engine.source,
        state: engineStates[engine.state],
        ...(engine.words && engine.state !== 'connected' ? { note: say.value(engine.words) } : {}),
      })),
    ),
    counts: computed(() => {
      const need = services.counts.critical + services.counts.warning;
      return {
        services: need > 0 ? { text: String(need), bad: true } : { text: String(services.list.length || '') },
        stacks: { text: String(stacks.list.length || '') },
        alerts: { text: String(alerts.loud.length || ''), bad: alerts.loud.length > 0 },
      };
    }),
    firing: computed(() => alerts.loud.length),
    spans: computed(() =>
      timeline.fired
        .filter(({ severity }) => severity !== 'info')
        .map((alert) => ({
          id: alert.id,
          from: alert.firedAt ?? alert.activeAt,
          state: alert.severity === 'critical' ? ('critical' as const) : ('warning' as const),
          label: alert.name,
          ...(alert.resolvedAt === undefined ? {} : { to: alert.resolvedAt }),
        })),
    ),
    marks: computed(() =>
      timeline.marked.flatMap((event) =>
        event.mark === undefined || event.mark === 'alert'
          ? []
          : [
              {
                id: event.id,
                at: event.at,
                kind: event.mark,
                label: say.value(event.words),
                to: `/events/${event.id}`,
              },
            ],
      ),
    ),
    status: computed(() => {
      const engine = engines.selected;
      const { status } = app;
      if (!app.connected || !status)
        return [{ id: 'core', state: 'critical', parts: [{ text: t('pages.status.disconnected') }] }];
      const items: StatusItem[] = [];
      if (!engine) items.push({ id: 'engine', state: 'off', parts: [{ text: t('pages.status.noEngine') }] });
      else if (engine.state !== 'connected')
        items.push({ id: 'engine', state: 'critical', parts: [{ text: t('pages.status.engineAway') }] });
      else
        items.push({
          id: 'engine',
          state: 'ok',
          parts: [
            { text: t('pages.status.engine') },
            { text: format.value.duration(engine.latency ?? 0), strong: true },
          ],
        });
      items.push({
        id: 'loop',
        parts: [{ text: t('pages.status.loop') }, { text: format.value.duration(status.loopDelay), strong: true }],
      });
      items.push({
        id: 'ingest',
        parts: [
          { text: t('pages.status.ingest') },
          { text: format.value.count(status.linesPerSecond), strong: true },
          { text: `${t('pages.status.lines')} ·` },
          { text: format.value.count(status.pointsPerSecond), strong: true },
          { text: t('pages.status.points') },
        ],
      });
      if (status.skippedLinesLastHour > 0) {
        items.push({
          id: 'skipped',
          tone: 'warning',
          parts: [{ text: t('pages.status.skipped', { count: format.value.count(status.skippedLinesLastHour) }) }],
        });
      }
      if (status.rescue)
        items.push({
          id: 'rescue',
          tone: 'warning',
          parts: [{ text: t('pages.status.rescue', { why: say.value(status.rescue) }) }],
        });
      return items;
    }),
    statusEnd: computed(() => {
      const { status } = app;
      if (!status) return [];
      const items: StatusItem[] = [];
      if (status.power.battery)
        items.push({
          id: 'battery',
          hideNarrow: true,
          parts: [
            { text: t('pages.status.battery') },
            { text: t('pages.status.pace', { seconds: status.power.pace / 1000 }) },
          ],
        });
      items.push({
        id: 'history',
        hideNarrow: true,
        parts: [
          { text: t('pages.status.history') },
          { text: `${format.value.bytes(status.historyBytes)} / ${format.value.bytes(status.historyBudget)}` },
        ],
      });
      items.push({ id: 'version', parts: [{ text: status.version }] });
      return items;
    }),
    away: computed(() => {
      const engine = engines.selected;
      if (!engine || engine.state !== 'away') return undefined;
      return { since: engine.since, ...(engine.nextTryAt === undefined ? {} : { nextTryAt: engine.nextTryAt }) };
    }),
  };
}
