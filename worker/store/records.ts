import type { FailureRecord } from '../core/store-types.ts';
import type { Position } from '../core/hub-api.ts';
import type { Large } from '../core/payload-types.ts';
import type { ClientRecord } from './database.ts';

/** Whether a stored value is a string. */
export const isText = (value: unknown): value is string => typeof value === 'string';

/** Whether a stored value is a sequence, an offset or an epoch. */
export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

/** Whether a stored value is a client record. */
export const isClient = ([clientId, clientEpoch, acked, lastSeq, owner]: ClientRecord): boolean =>
  isText(clientId) && [clientEpoch, acked, lastSeq].every(isCount) && (owner === null || isText(owner));

/** Whether a stored value is a position in a topic. */
export const isPosition = ({ epoch, offset }: Position): boolean => isText(epoch) && isCount(offset);

/** Whether a stored value is a large payload. */
export const isLarge = ({ blob, form, mime }: Large): boolean =>
  blob instanceof Blob && isText(form) && (mime === undefined || isText(mime));

/** Whether a stored value is a failure. */
export const isFailure = ({ tabId, tabSeq, id, topic, error }: FailureRecord): boolean =>
  [tabId, id, topic, error.code, error.message].every(isText) && isCount(tabSeq);
