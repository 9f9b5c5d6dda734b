/** The Provider's models that fall when their grant or session ends: all that can be turned into access. @module */

export const tokenModels = [
  'AccessToken',
  'RefreshToken',
  'AuthorizationCode',
  'DeviceCode',
  'BackchannelAuthenticationRequest',
] as const
