import { CRASH_IMAGE, WEB_2_IMAGE, WEB_IMAGE } from '../images.ts';
import type { Caller, Answer } from './caller.ts';
import type { Dice } from './dice.ts';

/** What one release holds. */
interface Content {
  values: Record<string, string>;
  image: string | null;
}

type Mutation = 'set' | 'unset' | 'build' | 'crash' | 'scale' | 'rollback' | 'restart' | 'domain' | 'recreate';

const WEIGHTS: Record<Mutation, number> = {
  set: 5,
  unset: 1,
  build: 3,
  crash: 1,
  scale: 3,
  rollback: 1,
  restart: 1,
  domain: 2,
  recreate: 0.3,
};

/** An app with one writer, and so with one thing to expect: what was acknowledged, no more and no less. */
export class ExpectedApp {
  readonly domains = new Set<string>();
  /** What was acknowledged of each release. */
  readonly releases = new Map<number, Content>();
  /** Pods of `cmd` that were asked for. */
  count = 1;
  content: Content = { values: {}, image: null };
  /** Apps that were destroyed on the way. */
  readonly destroyed: string[] = [];
  private made = 0;
  private counter = 0;
  id: string;

  constructor(
    private readonly name: string,
    private readonly caller: Caller,
    private readonly dice: Dice,
  ) {
    this.id = name;
  }

  async create(): Promise<Answer> {
    this.made += 1;
    this.id = `${this.name}-${this.made}`;
    const created = await this.expect(201, 'POST', '/v2/apps', { id: this.id });
    this.domains.clear();
    this.releases.clear();
    this.count = 1;
    this.content = { values: {}, image: null };
    this.remember(1);
    await this.build(WEB_IMAGE);
    return created;
  }

  /** One mutation, whichever comes. @returns its name and its answer */
  async mutate(): Promise<{ mutation: Mutation; answer: Answer }> {
    const mutation = this.dice.weighted(WEIGHTS);
    return { mutation, answer: await this[mutation]() };
  }

  private async set(): Promise<Answer> {
    this.counter += 1;
    const name = `KEY_${this.dice.whole(1, 5)}`;
    const value = `value ${this.counter} of ${this.id}`;
    return this.configured({ [name]: value });
  }

  private async unset(): Promise<Answer> {
    const names = Object.keys(this.content.values);
    if (names.length === 0) return this.set();
    return this.configured({ [this.dice.of(names)]: null });
  }

  private async configured(values: Record<string, string | null>): Promise<Answer> {
    const answer = await this.expect(201, 'POST', this.path('config'), { values });
    const left = Object.entries({ ...this.content.values, ...values }).filter((entry): entry is [string, string] => entry[1] !== null);
    this.content = { ...this.content, values: Object.fromEntries(left) };
    this.remember(answer.release);
    return answer;
  }

  private async build(image = this.dice.of([WEB_IMAGE, WEB_2_IMAGE])): Promise<Answer> {
    const answer = await this.expect(201, 'POST', this.path('builds'), { image });
    this.content = { ...this.content, image };
    this.remember(answer.release);
    return answer;
  }

  /** A release that can't come up: it fails, and nothing of it stays. */
  private async crash(): Promise<Answer> {
    // with no pods wanted nothing can crash
    if (this.count === 0) return this.scale();
    return this.expect(400, 'POST', this.path('builds'), { image: CRASH_IMAGE });
  }

  private async scale(): Promise<Answer> {
    const cmd = this.dice.whole(0, 3);
    const answer = await this.expect(204, 'POST', this.path('scale'), { cmd });
    this.count = cmd;
    return answer;
  }

  private async rollback(): Promise<Answer> {
    const versions = [...this.releases].filter(([, { image }]) => image !== null).map(([version]) => version);
    const version = this.dice.of(versions);
    if (version === Math.max(...this.releases.keys())) return this.set();
    const answer = await this.expect(201, 'POST', this.path('releases/rollback'), { version });
    this.content = this.releases.get(version) ?? this.content;
    this.remember((answer.json as { version: number }).version);
    return answer;
  }

  private async restart(): Promise<Answer> {
    return this.expect(200, 'POST', this.path('pods/restart'), {});
  }

  private async domain(): Promise<Answer> {
    const [first] = this.domains;
    if (first !== undefined && this.dice.next() < 0.4) {
      const answer = await this.expect([204, 404], 'DELETE', this.path(`domains/${first}`));
      this.domains.delete(first);
      return answer;
    }
    this.counter += 1;
    const domain = `d${this.counter}.${this.id}.example.com`;
    const answer = await this.expect(201, 'POST', this.path('domains'), { domain });
    this.domains.add(domain);
    return answer;
  }

  private async recreate(): Promise<Answer> {
    // a repeated DELETE finds nothing when the first one was carried out and its answer lost
    await this.expect([204, 404], 'DELETE', `/v2/apps/${this.id}`);
    this.destroyed.push(this.id);
    return this.create();
  }

  private remember(version: number | null): void {
    if (version === null) throw new Error(`${this.id}: an answer without X-Drycc-Release`);
    this.releases.set(version, this.content);
  }

  private path(of: string): string {
    return `/v2/apps/${this.id}/${of}`;
  }

  private async expect(status: number | number[], method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<Answer> {
    const answer = await this.caller.call(method, path, body);
    if (![status].flat().includes(answer.status))
      throw new Error(`${method} ${path} ${JSON.stringify(body)} answered ${answer.status}: ${JSON.stringify(answer.json)}`);
    return answer;
  }
}
