/** A setting breaks a rule. The message gives the setting, the rule and the value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
