import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { type AppRule, isAppRule, type Rule } from '../auth/rights.ts';
import { actionKey, ruleKey } from '../http/route.ts';

/** What handlers decide themselves, because the app is not in the path or the body tells what is to be done. */
const DECIDED_BY_HANDLERS: Record<string, AppRule> = {
  'app.transfer': 'app:own',
  'cert.attach': 'app:use',
  'cert.detach': 'app:use',
  'operation.read': 'app:use',
};

/** Everything that can be done to an app, and the rule that says who may: what the routes declare. */
@Injectable()
export class AppActions implements OnModuleInit {
  private readonly rules = new Map<string, AppRule>(Object.entries(DECIDED_BY_HANDLERS));

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  /** By name. */
  list(): { action: string; rule: AppRule }[] {
    return [...this.rules].map(([action, rule]) => ({ action, rule })).sort((a, b) => (a.action < b.action ? -1 : 1));
  }

  onModuleInit(): void {
    for (const { metatype } of this.discovery.getControllers()) {
      const { prototype } = metatype as { prototype: Record<string, object> };
      for (const method of this.scanner.getAllMethodNames(prototype)) this.add(prototype[method] ?? {});
    }
  }

  private add(handler: object): void {
    const rule = Reflect.getMetadata(ruleKey, handler) as Rule | undefined;
    if (rule === undefined || !isAppRule(rule)) return;
    const action = Reflect.getMetadata(actionKey, handler) as string;
    const present = this.rules.get(action);
    // one name, one answer to who may
    if (present !== undefined && present !== rule) throw new Error(`The action ${action} has two rules: ${present} and ${rule}`);
    this.rules.set(action, rule);
  }
}
