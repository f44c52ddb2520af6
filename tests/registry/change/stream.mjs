// A subscriber of the change feed: reads server-sent events as the standard says, comes back
// with Last-Event-ID when the connection ends, keeps what it got.
import { request } from 'node:http';

export class Subscriber {
  constructor(url, headers, { path = '/api/registry/changes/stream', after } = {}) {
    Object.assign(this, { url, path, headers, lastId: after, events: [], statuses: [], connections: 0, closed: false });
    this.connect();
  }

  connect() {
    if (this.closed) return;
    const headers = { ...this.headers, Accept: 'text/event-stream' };
    if (this.lastId !== undefined) headers['Last-Event-ID'] = String(this.lastId);
    this.request = request(this.url + this.path, { headers, agent: false }, (response) => {
      this.response = response;
      this.statuses.push(response.statusCode);
      if (response.statusCode !== 200) {
        response.resume();
        if (response.statusCode === 503) this.again();
        return;
      }
      this.connections++;
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece) => {
        text += piece;
        let end;
        while ((end = text.indexOf('\n\n')) >= 0) {
          this.block(text.slice(0, end));
          text = text.slice(end + 2);
        }
      });
      response.on('end', () => this.again());
      response.on('error', () => this.again());
    });
    this.request.on('error', () => this.again());
    this.request.end();
  }

  again() {
    if (this.closed || this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.connect();
    }, 50);
  }

  block(text) {
    let data;
    for (const line of text.split('\n')) {
      if (line.startsWith('id: ')) this.lastId = Number(line.slice(4));
      if (line.startsWith('data: ')) data = JSON.parse(line.slice(6));
    }
    if (data) this.events.push({ ...data, got_ms: Date.now() });
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.request?.destroy();
  }
}
