// How a source is followed: state and what to do about it, lag, slot or files; start, stop and
// a new snapshot. Lives on the source's page.
import { useState } from 'preact/hooks';
import { call } from '../core/api';
import { bytes, duration, num } from '../core/format';
import { useAction, useApi } from '../core/hooks';
import { has, t } from '../core/i18n';
import type { Capture } from '../core/types';
import { Banner, Dialog, Loaded, Problem, Tag, Time } from '../core/ui';

/** The reason in the reader's language where it is known; the server's words say the rest. */
function Why({ of }: { of: Capture }) {
  if (!of.reason) return null;
  const key = `capture_why.${of.code}`;
  return (
    <Banner>
      {has(key) && <p>{t(key)}</p>}
      <p class={has(key) ? 'muted' : ''} lang={has(key) ? 'en' : undefined}>{of.reason}</p>
    </Banner>
  );
}

function behind(of: Capture): string {
  if (of.caught_up) return t('capture.caught_up');
  if (!of.caught_up_at) return t('capture.not_yet');
  return duration((Date.now() - Date.parse(of.caught_up_at)) / 1000);
}

function Slot({ of }: { of: NonNullable<Capture['slot']> }) {
  return (
    <>
      <dt>{t('capture.slot')}</dt><dd><code>{of.name}</code> <span class="muted">{of.wal_status}</span></dd>
      <dt>{t('capture.lag')}</dt><dd>{bytes(of.lag_bytes)}</dd>
      <dt>{t('capture.retained')}</dt><dd>{bytes(of.retained_bytes)}</dd>
      <dt>{t('capture.safe')}</dt><dd>{of.safe_bytes === null ? t('capture.no_cap') : bytes(of.safe_bytes)}</dd>
    </>
  );
}

function Files({ of }: { of: NonNullable<Capture['files']> }) {
  return (
    <>
      <dt>{t('capture.file')}</dt><dd>{of.file ? <><code>{of.file}</code> <span class="muted">{bytes(of.done)} / {bytes(of.bytes)}</span></> : '–'}</dd>
      <dt>{t('capture.files_taken')}</dt><dd>{num(of.taken)}</dd>
      <dt>{t('capture.files_waiting')}</dt><dd>{num(of.waiting)}</dd>
    </>
  );
}

export function CapturePanel({ at, table }: { at: string; table: boolean }) {
  const state = useApi<Capture>(`${at}/capture`, 2000);
  const [asking, setAsking] = useState(false);
  const act = useAction(async (action: 'start' | 'stop' | 'snapshot') => {
    setAsking(false);
    await call(`${at}/capture`, { body: { action } });
    state.reload();
  });
  return (
    <section class="card" aria-labelledby="capture">
      <h2 id="capture">{t('capture.title')}</h2>
      {act.problem && <Problem problem={act.problem} focus />}
      <Loaded of={state} lines={5}>
        {(c) => (
          <>
            <p><Tag group="capture_state" code={c.state} /> <Time at={c.since} /></p>
            <Why of={c} />
            {c.note && <p class="muted">{c.note}</p>}
            <dl class="facts">
              <dt>{t('capture.behind')}</dt><dd>{behind(c)}</dd>
              <dt>{t('capture.changed')}</dt><dd><Time at={c.changed_at} /></dd>
              <dt>{t('capture.changes')}</dt><dd>{num(c.changes)} <span class="muted">{t('capture.of_them', { late: num(c.late), quarantined: num(c.quarantined) })}</span></dd>
              {c.slot && <Slot of={c.slot} />}
              {c.files && <Files of={c.files} />}
              {table && <><dt>{t('capture.snapshots')}</dt><dd>{num(c.snapshots)} <span class="muted">{t('capture.losses', { n: num(c.losses) })}</span></dd></>}
            </dl>
            <div class="actions">
              {c.state === 'stopped'
                ? <button type="button" class="govuk-button" aria-disabled={act.busy} onClick={() => void act.run('start')}>{t('capture.start')}</button>
                : <button type="button" class="govuk-button govuk-button--secondary" aria-disabled={act.busy} onClick={() => void act.run('stop')}>{t('capture.stop')}</button>}
              {(c.state === 'waiting' || c.state === 'paused' || c.state === 'lost') && <button type="button" class="govuk-button" aria-disabled={act.busy} onClick={() => void act.run('start')}>{t('capture.retry')}</button>}
              {table && <button type="button" class="govuk-button govuk-button--secondary" aria-disabled={act.busy} onClick={() => setAsking(true)}>{t('capture.snapshot')}</button>}
            </div>
          </>
        )}
      </Loaded>
      <Dialog open={asking} onClose={() => setAsking(false)} title={t('capture.snapshot')}>
        <p>{t('capture.snapshot_about')}</p>
        <div class="actions">
          <button type="button" class="govuk-button" onClick={() => void act.run('snapshot')}>{t('capture.snapshot_yes')}</button>
          <button type="button" class="plain" onClick={() => setAsking(false)}>{t('action.cancel')}</button>
        </div>
      </Dialog>
    </section>
  );
}
