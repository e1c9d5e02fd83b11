import { connect } from './connect.ts';
import type * as entry from './index.ts';
import { ConnectionError } from './protocol/errors.ts';

declare global {
  /** All of the package `onesocket`, on pages that load `onesocket.global.js` by a script tag. */
  var onesocket: typeof entry;
}

globalThis.onesocket = { connect, ConnectionError };
