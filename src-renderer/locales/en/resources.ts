/** Words of the lists of what lies on the engine. */
export const messages = {
  ours: 'ours',
  foreign: 'made elsewhere',
  unused: 'unused',
  refresh: 'Refresh',
  column: { name: 'Name', stack: 'Stack', driver: 'Driver', size: 'Size', users: 'Used by', age: 'Age', subnets: 'Subnets', tags: 'Tags', id: 'Id', owner: 'Owner' },
  volumes: { title: 'Volumes', filter: 'Filter volumes', empty: 'No volume exists on this engine.' },
  networks: { title: 'Networks', filter: 'Filter networks', empty: 'No network exists on this engine.', internal: 'internal' },
  images: { title: 'Images', filter: 'Filter images', empty: 'No image lies on this engine.', untagged: 'untagged' },
  nodes: {
    title: 'Nodes',
    empty: 'No engine is connected.',
    column: { name: 'Node', state: 'State', cpu: 'CPU', memory: 'Memory', containers: 'Containers', labels: 'Labels' },
    state: { ready: 'Ready', away: 'Away', cordoned: 'Cordoned', draining: 'Draining' },
  },
  noMatch: 'Nothing matches this filter.',
  failed: 'The list could not be read',
};
