namespace PoolHub.Tests.Attack;

/// <summary>How hard the attacks are: as hard as seconds allow, or with <c>./test --full</c> as hard as docs/security.md says.</summary>
internal static class Effort
{
    public static bool IsFull { get; } = Environment.GetEnvironmentVariable("POOLHUB_TEST_FULL") is not null;

    public static T Of<T>(T usual, T full) => IsFull ? full : usual;

    /// <summary>
    /// What random attacks are drawn from: POOLHUB_TEST_SEED repeats those of an earlier run, which has printed it.
    /// </summary>
    public static ulong Seed { get; } =
        Environment.GetEnvironmentVariable("POOLHUB_TEST_SEED") is { Length: > 0 } given
            ? ulong.Parse(given)
            : BitConverter.ToUInt64(Guid.NewGuid().ToByteArray());

    public static void Print(string figure) => TestContext.Current.TestOutputHelper?.WriteLine(figure);
}
