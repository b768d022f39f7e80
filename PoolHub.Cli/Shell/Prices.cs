using PoolHub.Protocol;

namespace PoolHub.Cli.Shell;

internal static class Prices
{
    /// <exception cref="CliException">The number is no price.</exception>
    public static TokenPrice? Read(decimal? tokens, string option) => tokens switch
    {
        null => null,
        { } some when TokenPrice.TryFromTokens(some, out TokenPrice price) => price,
        _ => throw CliException.Usage($"{option} must be from 0 to {TokenPrice.Max}."),
    };
}
