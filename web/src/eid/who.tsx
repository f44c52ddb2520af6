// Who is signing in, and who asks: what several steps of a sign-in show.
import { ApiProblem } from '../core/api';
import { useAction } from '../core/hooks';
import { step, type Interaction } from './api';
import { t } from './words';

export interface StepProps { it: Interaction; take: (next: Interaction) => void; fail: (problem: ApiProblem) => void }

/** An address that a client registered, if it is one of the web. */
export function webOf(uri: string | null | undefined): URL | null {
  try {
    const url = new URL(uri ?? '');
    return url.protocol === 'https:' || url.protocol === 'http:' ? url : null;
  } catch {
    return null;
  }
}

/** Half or wholly signed in: as whom, and the way to be someone else. */
export function Who({ it, take, fail }: StepProps) {
  const other = useAction(async () => {
    try {
      take(await step(it.id, 'other', {}));
    } catch (error) {
      if (error instanceof ApiProblem) fail(error);
      else throw error;
    }
  });
  if (!it.account) return null;
  return (
    <p class="who">
      {t('signin.as')} <strong>{it.account.name}</strong> · <span class="mono">{it.account.number_masked}</span>{' '}
      <button type="button" class="plain" aria-disabled={other.busy} onClick={() => void other.run()}>{t('signin.other')}</button>
    </p>
  );
}
