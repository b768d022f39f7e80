namespace PoolHub.Benchmarks.Children;

/// <summary>Where an answer ends, in one protocol.</summary>
internal interface IDialect
{
    /// <summary>How many bytes the first whole answer has; 0 while it is not whole.</summary>
    /// <exception cref="InvalidDataException">The answer is an error, or none of this protocol.</exception>
    int LengthOf(ReadOnlySpan<byte> received);
}

internal static class Dialects
{
    public static IDialect Named(string name) => name switch
    {
        "http" => new HttpDialect(),
        "redis" => new RedisDialect(),
        "postgres" => new PostgresDialect(),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "is no dialect"),
    };
}
