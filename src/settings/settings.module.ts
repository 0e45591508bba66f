import { Module, type DynamicModule } from '@nestjs/common';
import { Settings } from './settings.ts';

/** Gives {@link Settings} to whoever asks, everywhere. */
@Module({})
export class SettingsModule {
  static with(settings: Settings): DynamicModule {
    return { module: SettingsModule, global: true, providers: [{ provide: Settings, useValue: settings }], exports: [Settings] };
  }
}
