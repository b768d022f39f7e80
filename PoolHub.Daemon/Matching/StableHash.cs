namespace PoolHub.Daemon.Matching;

/// <summary>
/// The hash that orders equal scores. It must give the same number in every process and release, or the same request
/// would be answered differently by two hubs; <see cref="string.GetHashCode()"/> is seeded anew at each start.
/// </summary>
internal static class StableHash
{
    /// <summary>FNV-1a, 64 bits, over the UTF-16 units, low byte first.</summary>
    public static ulong Of(string text)
    {
        const ulong Prime = 0x0000_0100_0000_01B3;
        const ulong Prime2 = unchecked(Prime * Prime);
        ulong hash = 0xCBF2_9CE4_8422_2325;
        foreach (char c in text)
        {
            // A high byte of 0 only multiplies once more.
            hash = c <= byte.MaxValue ? (hash ^ c) * Prime2 : ((((hash ^ (byte)c) * Prime) ^ (byte)(c >> 8)) * Prime);
        }
        return hash;
    }

    /// <summary>
    /// The place of a miner in the order of one job. The finaliser of MurmurHash3 spreads the sum, so that miners whose
    /// ids differ in one digit come in an unrelated order for the next job.
    /// </summary>
    public static ulong Pair(ulong jobHash, ulong minerHash)
    {
        ulong hash = jobHash + (minerHash * 0x9E37_79B9_7F4A_7C15);
        hash = (hash ^ (hash >> 33)) * 0xFF51_AFD7_ED55_8CCD;
        hash = (hash ^ (hash >> 33)) * 0xC4CE_B9FE_1A85_EC53;
        return hash ^ (hash >> 33);
    }
}
