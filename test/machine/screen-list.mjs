/** The screens of the window, for pictures and for checks of all of them: a name, a route, and what shows that it is there. */

/**
 * @typedef {object} ScreenPlace
 * @property {string} name
 * @property {string} route
 * @property {string} ready test id of what shows that it is there
 */

/**
 * @param {{ stack: string, service: string }} sample a stack with a service that has replicas
 * @returns {ScreenPlace[]}
 */
export function screenList({ stack, service }) {
  const own = `/services/${stack}/${service}`;
  return [
    { name: 'overview', route: '/', ready: 'view-overview' },
    { name: 'services', route: '/services', ready: 'view-services' },
    { name: 'service', route: own, ready: 'view-service' },
    { name: 'service-logs', route: `${own}/logs`, ready: 'view-service' },
    { name: 'service-yaml', route: `${own}/yaml`, ready: 'view-service' },
    { name: 'service-traffic', route: `${own}/traffic`, ready: 'view-service' },
    { name: 'service-autoscale', route: `${own}/autoscale`, ready: 'view-service' },
    { name: 'stacks', route: '/stacks', ready: 'view-stacks' },
    { name: 'apply', route: `/apply/${stack}`, ready: 'view-apply' },
    { name: 'topology', route: '/topology', ready: 'view-topology' },
    { name: 'topology-list', route: '/topology?as=list', ready: 'view-topology' },
    { name: 'logs', route: '/logs', ready: 'view-logs' },
    { name: 'metrics', route: '/metrics', ready: 'view-metrics' },
    { name: 'alerts', route: '/alerts', ready: 'view-alerts' },
    { name: 'alerts-routing', route: '/alerts/routing', ready: 'alerts-routing' },
    { name: 'events', route: '/events', ready: 'view-events' },
    { name: 'config', route: '/config', ready: 'view-config' },
    { name: 'secrets', route: '/secrets', ready: 'view-secrets' },
    { name: 'certificates', route: '/secrets/certificates', ready: 'view-secrets' },
    { name: 'certificates-trust', route: '/secrets/certificates/~authority', ready: 'view-secrets' },
    { name: 'volumes', route: '/volumes', ready: 'view-volumes' },
    { name: 'images', route: '/images', ready: 'view-images' },
    { name: 'networks', route: '/networks', ready: 'view-networks' },
    { name: 'nodes', route: '/nodes', ready: 'view-nodes' },
    { name: 'settings', route: '/settings', ready: 'view-settings' },
    { name: 'welcome', route: '/welcome', ready: 'view-welcome' },
  ];
}

export const themes = /** @type {const} */ (['dark', 'light']);
export const languages = /** @type {const} */ (['en', 'zh-CN']);
