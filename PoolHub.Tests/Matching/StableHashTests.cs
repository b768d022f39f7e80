using CsCheck;
using PoolHub.Daemon.Matching;

namespace PoolHub.Tests.Matching;

public sealed class StableHashTests
{
    /// <summary>The definition of FNV-1a, byte after byte.</summary>
    [Fact]
    public void Hash_is_FNV_1a_of_the_UTF_16_bytes() =>
        Gen.OneOf(Gen.String[Gen.Char[' ', '~'], 0, 40], Gen.String).Sample(text =>
        {
            ulong hash = 14_695_981_039_346_656_037;
            foreach (byte b in text.SelectMany(c => new[] { (byte)c, (byte)(c >> 8) }))
            {
                hash = unchecked((hash ^ b) * 1_099_511_628_211);
            }
            Assert.Equal(hash, StableHash.Of(text));
        });
}
