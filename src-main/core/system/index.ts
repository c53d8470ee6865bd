/**
 * The app itself: the link to the selected engine, settings, the event list, and the inventory of what lies on the engine. Rooms
 * that work on the engine are handed one by `EngineLink.onEngine` and never look for it themselves.
 */
export { EngineLink, type EngineFinder, type FoundEngine, type LinkWorld } from './link';
export { within } from './deadline';
export { engineProblem, systemHandlers, type SystemHandlers, type SystemWorld } from './handlers';
export { Power, type PowerReport, type Sleep } from './power';
export { changeSettings, defaultSettings, readSettings } from './settings';
export { followLink, listEvents, noteEvent } from './events';
