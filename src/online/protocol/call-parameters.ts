import { asCount, asFlag, type Fields } from './read-fields.ts';
import { requestFault } from './request-fault.ts';
import type { CallParameters } from './wire.ts';

export const NO_PARAMETERS: CallParameters = { priority: 0, timeoutMicros: null, binaryOutput: false };

/**
 * Parameters of a request, of JSON or of gRPC. Those that we do not know are let through, as the protocol asks, except those
 * whose neglect would give wrong answers: sequences need a model with state, shared memory needs another transport.
 *
 * Errors: LIVE_REQUEST.
 */
export function readParameters(fields: Fields): CallParameters {
  if (fields['sequence_id'] !== undefined && fields['sequence_id'] !== 0 && fields['sequence_id'] !== '')
    throw requestFault('models with a state between requests are not served', 'parameters.sequence_id');
  const timeoutMicros = asCount(fields['timeout'], 'parameters.timeout');
  return {
    priority: asCount(fields['priority'], 'parameters.priority') ?? 0,
    // As in the protocol: zero means that none is set.
    timeoutMicros: timeoutMicros === 0 ? null : timeoutMicros,
    binaryOutput: asFlag(fields['binary_data_output'], false, 'parameters.binary_data_output'),
  };
}

/** Errors: LIVE_REQUEST when a tensor is to be taken from or put into shared memory. */
export function refuseSharedMemory(fields: Fields, where: string): void {
  if (fields['shared_memory_region'] !== undefined)
    throw requestFault('shared memory is not served', where, 'data in the request');
}
