/** A setting breaks a rule. The message names the setting, the rule and what it got. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
