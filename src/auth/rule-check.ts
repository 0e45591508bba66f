import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { ruleKey } from '../http/route.ts';

type Handlers = Record<string, object>;

/** Closed by default: Keelson does not start with a route that declares no rule. */
@Injectable()
export class RuleCheck implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  onModuleInit(): void {
    const open = this.discovery.getControllers().flatMap(({ name, metatype }) => {
      const handlers = (metatype as { prototype: Handlers }).prototype;
      return this.scanner
        .getAllMethodNames(handlers)
        .filter((method) => isOpen(handlers[method]))
        .map((method) => `${name}.${method}`);
    });
    if (open.length > 0) throw new Error(`These routes declare no rule, see @Route: ${open.join(', ')}`);
  }
}

/** Nest marks routes with their path. */
const isOpen = (handler: object = {}): boolean => Reflect.hasMetadata('path', handler) && !Reflect.hasMetadata(ruleKey, handler);
