/** Several engines as the nodes of one: joined, watched over, and handed out as a single engine. */
export { Fleet, hostOf, usualGrace, type FleetNode, type FleetWorld, type Reach } from './fleet';
export { FleetEngine, type Member } from './fleetEngine';
export { nodeHandlers, type NodesWorld } from './handlers';
