import { useId, useState } from 'preact/hooks';
import { call } from '../core/api';
import { useAction } from '../core/hooks';
import { t } from '../core/i18n';
import { errorWord } from '../core/lang';
import { go } from '../core/router';
import { Page, Problem } from '../core/ui';
import { YamlEditor } from './yaml';

const example = `source: example
title: {vi: "Nguồn ví dụ", en: "Example source"}
agency: {code: bca, vi: Bộ Công an, en: Ministry of Public Security}
legal_basis: "Luật Dữ liệu 60/2024/QH15"
entity: person
key: [ma_so]
connector: {type: csv, path: example.csv}
sync: {mode: snapshot}
fields:
  - {column: ma_so, to: null}
  - {column: so_dinh_danh, to: person_id}
  - {column: ho_ten, to: full_name, required: true}
  - {column: ngay_sinh, to: birth_date}
`;

export default function NewSourcePage() {
  const [text, setText] = useState(example);
  const id = useId();
  const save = useAction(async () => {
    const { source } = await call<{ source: string }>('/api/registry/sources', { text: { type: 'application/yaml', body: text } });
    go(`/sources/${encodeURIComponent(source)}`);
  });
  const line = save.problem?.body.line;
  return (
    <Page title={t('source_new.title')} crumbs={[{ href: '/sources', text: t('sources.title') }]} lead={t('source_new.lead')}>
      {save.problem && <Problem problem={save.problem} focus={!line} />}
      <form class="card" noValidate onSubmit={(e) => { e.preventDefault(); void save.run(); }}>
        <label class="govuk-label" for={id}>{t('source_new.label')}</label>
        <div id={`${id}-hint`} class="govuk-hint">{t('source_new.hint')}</div>
        {line && <p id={`${id}-error`} class="govuk-error-message"><span class="visually-hidden">{errorWord()}: </span>{t('problem.line', { line })}: {save.problem?.body.detail}</p>}
        <YamlEditor id={id} value={text} onValue={(next) => { setText(next); if (save.problem) save.clear(); }} line={line} describedBy={`${id}-hint${line ? ` ${id}-error` : ''}`} />
        <div class="actions gap">
          <button type="submit" class="govuk-button" aria-disabled={save.busy}>{t('source_new.save')}</button>
        </div>
      </form>
    </Page>
  );
}
