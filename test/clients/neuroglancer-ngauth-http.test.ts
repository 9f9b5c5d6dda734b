import { ngauthCases } from './ngauth-cases.ts'

// A file for each scheme: they run side by side.
ngauthCases('http')
