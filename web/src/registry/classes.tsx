import { word } from '../core/i18n';
import type { DataClass } from '../core/types';
import { Tag } from '../core/ui';

/** A field's legal class in words; what is ordinary is not shouted. */
export function ClassTags({ of }: { of: DataClass | null | undefined }) {
  if (!of) return <span class="muted">–</span>;
  return (
    <span class="tags">
      <Tag group="sharing" code={of.sharing} />
      {of.importance && of.importance !== 'other' && <Tag group="importance" code={of.importance} />}
      {of.personal && of.personal !== 'none' && (of.personal === 'sensitive' ? <Tag group="personal" code={of.personal} /> : <span class="muted small">{word('personal', of.personal)}</span>)}
    </span>
  );
}
