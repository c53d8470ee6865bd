/** The Node side of `core/resources/box.ts`: backups of volumes as files, checked when written and before they are used. */
export { openContext } from './context';
export { openBackups } from './files';
