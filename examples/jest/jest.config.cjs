module.exports = { testEnvironment: 'node', testMatch: ['<rootDir>/*.spec.cjs'], transform: {} };
