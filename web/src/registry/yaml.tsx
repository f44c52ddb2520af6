// A declaration's text with line numbers, to read and to write.
import { useEffect, useRef } from 'preact/hooks';

function numbers(text: string, bad?: number) {
  return text.split('\n').map((_, i) => <span key={i} class={bad === i + 1 ? 'bad' : ''}>{i + 1}{'\n'}</span>);
}

export function YamlView({ text, label }: { text: string; label: string }) {
  return (
    <div class="yaml region" role="region" aria-label={label} tabIndex={0}>
      <pre class="lines" aria-hidden="true">{numbers(text)}</pre>
      <pre class="text">{text}</pre>
    </div>
  );
}

export function YamlEditor(props: { id: string; value: string; onValue: (text: string) => void; line?: number; describedBy?: string }) {
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLPreElement>(null);
  useEffect(() => {
    const box = area.current;
    if (!props.line || !box) return;
    const rows = props.value.split('\n');
    const from = rows.slice(0, props.line - 1).reduce((n, row) => n + row.length + 1, 0);
    box.focus();
    box.setSelectionRange(from, from + (rows[props.line - 1]?.length ?? 0));
    const height = parseFloat(getComputedStyle(box).lineHeight);
    box.scrollTop = Math.max(0, (props.line - 4) * height);
  }, [props.line]);
  return (
    <div class="yaml edit">
      <pre class="lines" aria-hidden="true" ref={gutter}>{numbers(props.value, props.line)}</pre>
      <textarea
        id={props.id}
        ref={area}
        class="text"
        spellcheck={false}
        autoCapitalize="off"
        wrap="off"
        rows={24}
        value={props.value}
        aria-describedby={props.describedBy}
        aria-invalid={props.line ? true : undefined}
        onInput={(e) => props.onValue(e.currentTarget.value)}
        onScroll={(e) => {
          if (gutter.current) gutter.current.scrollTop = e.currentTarget.scrollTop;
        }}
      />
    </div>
  );
}
