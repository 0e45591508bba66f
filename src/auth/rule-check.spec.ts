import { Controller, Get } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { empty, Route } from '../http/route.ts';
import { RuleCheck } from './rule-check.ts';

@Controller()
class GuardedController {
  @Get('guarded')
  @Route({ summary: 'Probe', action: 'thing.guard', rule: 'user', answers: { 204: empty() }, errors: {} })
  guarded(): void {
    return;
  }

  helper(): void {
    return;
  }
}

@Controller()
class OpenController extends GuardedController {
  @Get('open')
  open(): void {
    return;
  }
}

async function start(controller: new () => object): Promise<void> {
  const module = await Test.createTestingModule({
    imports: [DiscoveryModule],
    controllers: [controller],
    providers: [RuleCheck],
  }).compile();
  await module.init();
}

it('starts when every route declares a rule', async () => {
  await expect(start(GuardedController)).resolves.toBeUndefined();
});

it('does not start with a route that declares none, and names it', async () => {
  await expect(start(OpenController)).rejects.toThrow('These routes declare no rule, see @Route: OpenController.open');
});
