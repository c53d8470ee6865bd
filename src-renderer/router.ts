import { createRouter, createWebHashHistory } from 'vue-router';
import type { Router, RouterHistory, RouteRecordRaw } from 'vue-router';
import type { Component } from 'vue';
import { screens, viewPath } from './frame/screens';
import type { Screen } from './frame/screens';

type ViewLoader = () => Promise<Component>;

declare module 'vue-router' {
  interface RouteMeta {
    screen?: string;
    /** The rail item that is lit. */
    within?: string;
    noTape?: boolean;
  }
}

const views = import.meta.glob<Component>('./views/*/*View.vue', { import: 'default' });

/** The screens whose view exists: only they have a route and a rail item. */
export function existingScreens(loaders: Record<string, unknown> = views): Screen[] {
  return screens.filter((screen) => viewPath(screen.noun) in loaders);
}

/** One lazy route per existing screen, named by its noun. Unknown addresses lead to the first screen. */
export function routesOf(loaders: Record<string, ViewLoader>): RouteRecordRaw[] {
  const existing = existingScreens(loaders);
  const routes = existing.map((screen): RouteRecordRaw => {
    const load = loaders[viewPath(screen.noun)] as ViewLoader;
    return {
      name: screen.noun,
      path: screen.path,
      component: load,
      meta: { screen: screen.noun, within: screen.within ?? screen.noun, noTape: screen.noTape ?? false },
    };
  });
  const first = existing[0];
  if (first) routes.push({ path: '/:rest(.*)*', redirect: { name: first.noun } });
  return routes;
}

/** The window's router. Hash addresses work under the app's own protocol without a server that knows them. */
export function createAppRouter(history: RouterHistory = createWebHashHistory()): Router {
  return createRouter({ history, routes: routesOf(views) });
}
