import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** An event of a `text/event-stream`, <https://html.spec.whatwg.org/multipage/server-sent-events.html>. */
export interface StreamEvent {
  readonly event: string;
  /** Sent as JSON, in one line. */
  readonly data: object;
  /** What a client that comes back sends as `Last-Event-ID`. */
  readonly id?: string;
}

/** No event: it only sets what a client that comes back sends as `Last-Event-ID`. */
export interface StreamMark {
  readonly id: string;
  readonly event?: undefined;
}

/** A silent stream says something this often, in milliseconds: proxies cut connections that say nothing for a minute, some after 30 s. */
const HEARTBEAT = 15_000;

/** The answers that go on for as long as their callers listen. */
@Injectable()
export class Streams implements BeforeApplicationShutdown {
  private readonly open = new Set<AbortController>();
  private ending = false;

  /** A signal for what makes a stream's content: it comes when the caller is gone, and when this process ends. */
  signalOf(reply: FastifyReply): AbortSignal {
    const over = new AbortController();
    if (this.ending || reply.raw.closed) over.abort();
    // its end was told already
    if (reply.raw.closed) return over.signal;
    this.open.add(over);
    reply.raw.once('close', () => {
      this.open.delete(over);
      over.abort();
    });
    return over.signal;
  }

  /** The server waits for the answers under way, and these have no end of their own. */
  beforeApplicationShutdown(): void {
    this.ending = true;
    for (const over of this.open) over.abort();
  }
}

/**
 * What a handler returns to answer with events as they come, with heartbeats while none do. A handler that throws before answers as usual;
 * once the answer has begun, an error cuts the connection.
 * @param events has to end when the signal of `Streams` comes; it is asked for no more than the caller reads
 */
export function eventStream(reply: FastifyReply, events: AsyncIterable<StreamEvent | StreamMark>, heartbeat = HEARTBEAT): Readable {
  reply.header('Content-Type', 'text/event-stream');
  begin(reply);
  const sent = new PassThrough();
  // a comment: the caller sees at once that the stream is open
  sent.write(':\n\n');
  const beat = setInterval(() => {
    // who doesn't read needs no sign of life
    if (!sent.writableNeedDrain && !sent.writableEnded) sent.write(':\n\n');
  }, heartbeat);
  const over = (): void => {
    clearInterval(beat);
  };
  // an error is told by `sent` itself, which it destroys
  pipeline(Readable.from(textOf(events)), sent).then(over, over);
  return sent;
}

/** The same for plain text as it comes. There is no heartbeat: nothing could be put into it that isn't text. */
export function textStream(reply: FastifyReply, pieces: AsyncIterable<string>): Readable {
  reply.header('Content-Type', 'text/plain; charset=utf-8');
  begin(reply);
  return Readable.from(pieces, { highWaterMark: 1 });
}

/** An event as it is sent. */
export function eventText(sent: StreamEvent | StreamMark): string {
  if (sent.event === undefined) return `id: ${sent.id}\n\n`;
  const { event, data, id } = sent;
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

async function* textOf(events: AsyncIterable<StreamEvent | StreamMark>): AsyncGenerator<string> {
  for await (const event of events) yield eventText(event);
}

function begin(reply: FastifyReply): void {
  reply.headers({
    'Cache-Control': 'no-cache, no-transform',
    // nginx collects an answer before it hands it on, unless it is told not to
    'X-Accel-Buffering': 'no',
    // a connection that is kept after the stream's end would hold up the end of the process
    Connection: 'close',
  });
  // the headers wait for the first byte otherwise, which may take its time
  reply.raw.once('pipe', () => {
    reply.raw.flushHeaders();
  });
}
