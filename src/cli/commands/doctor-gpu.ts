import { PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import { type GpuStatus, gpuStatus } from '../../model/gpu/gpu-status.ts';
import { tryGpus } from '../processes/try-gpus.ts';
import type { Attempt, Finding } from './doctor-finding.ts';

/**
 * What doctor says of the GPU. A job that asks for CUDA fails without one; else it is worth a word only where there is a GPU, or a
 * provider, that cannot be used. `device` is that of the job, null without a job.
 */
export async function checkGpu(device: string | null, attempt: Attempt): Promise<void> {
  const isAsked = device?.startsWith('cuda') === true;
  await attempt('GPU', async () => {
    const status = await gpuStatus(process.env, () => tryGpus(isAsked ? device : 'cuda')).catch((error: unknown) => {
      const known = toPrescoreError(error);
      if (isAsked || known.code !== 'GPU_UNSUPPORTED') throw known;
      return null;
    });
    return status === null ? { verdict: 'ok', found: 'none on this platform', fix: '' } : judge(status, isAsked);
  });
}

function judge(status: GpuStatus, isAsked: boolean): Omit<Finding, 'check'> {
  const { driver, provider } = status;
  const hasProvider = provider.files.some((file) => file.state !== 'missing');
  const inTheWay = status.obstacles.filter((one) => one.isInTheWay);
  const found = inTheWay.map((one) => one.what.replace(/\.$/, '')).join('; ');
  const fix = inTheWay[0]?.fix ?? '';
  if (status.isUsable)
    return { verdict: 'ok', found: `driver ${driver.version ?? 'unknown'}, provider ready`, fix: '' };
  if (isAsked) throw new PrescoreError('PROVIDER_UNAVAILABLE', { what: found, fix });
  if (driver.nodes.length === 0 && !hasProvider) return { verdict: 'ok', found: 'none; jobs run on the CPU', fix: '' };
  return { verdict: 'warn', found, fix: `${fix} (prescore gpu status has the whole list)` };
}
