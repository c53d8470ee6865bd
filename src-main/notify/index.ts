/** Sends notices out of the house: HTTP and mail. Where they may go is decided in `addresses.ts`. */
export { createSender, type SenderOptions } from './sender';
