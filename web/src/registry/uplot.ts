// uPlot behind one function, so that pages that draw nothing do not carry it.
import uPlot from 'uplot';

export interface Drawing {
  width: number;
  height: number;
  times: number[];
  series: { label: string; colour: string; dash: number[]; values: number[] }[];
  percent: (value: number) => string;
  date: (seconds: number) => string;
  moment: (seconds: number) => string;
}

export function draw(host: HTMLElement, d: Drawing): uPlot {
  const lowest = Math.min(...d.series.flatMap((s) => s.values));
  const font = '13px "Be Vietnam Pro", "ndc fallback", arial, sans-serif';
  const span = d.times[d.times.length - 1]! - d.times[0]!;
  return new uPlot(
    {
      width: d.width,
      height: d.height,
      padding: [8, 36, 0, 0],
      cursor: { drag: { x: false, y: false } },
      legend: { show: false },
      scales: { x: { time: true }, y: { range: [Math.max(0, Math.floor((lowest - 1) / 5) * 5), 100] } },
      axes: [
        { font, stroke: '#4b5a57', grid: { stroke: '#e3e9e7' }, ticks: { stroke: '#c9d3d0' }, space: 90, values: (_, at) => at.map((s) => (span < 86400 * 2 ? d.moment(s).split(' ').pop()! : d.date(s))) },
        { font, stroke: '#4b5a57', grid: { stroke: '#e3e9e7' }, ticks: { stroke: '#c9d3d0' }, size: 62, values: (_, at) => at.map((v) => d.percent(v)) },
      ],
      series: [{}, ...d.series.map((s) => ({ label: s.label, stroke: s.colour, width: 2, dash: s.dash, points: { show: d.times.length < 40, size: 6 } }))],
    },
    [d.times, ...d.series.map((s) => s.values)] as uPlot.AlignedData,
    host,
  );
}
