using System.Buffers.Text;
using Microsoft.Extensions.Time.Testing;
using PoolHub.Daemon.Sessions;
using PoolHub.Protocol;

namespace PoolHub.Tests.Sessions;

public sealed class SessionTokensTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2025, 6, 2, 12, 0, 0, TimeSpan.Zero));
    private readonly SessionTokens _tokens;

    public SessionTokensTests() => _tokens = new SessionTokens([1, 2, 3], _time);

    [Theory]
    [InlineData("m", 1)]
    [InlineData("rack:7_gpu.3-a", 0)]
    [InlineData("m", long.MaxValue)]
    public void Token_names_its_miner_epoch_and_generation(string minerId, long epoch)
    {
        var claims = new TokenClaims(minerId, epoch, ulong.MaxValue - 1);
        Assert.Equal(TokenVerdict.Genuine, _tokens.Read(_tokens.Create(claims), out TokenClaims read));
        Assert.Equal(claims, read);
    }

    [Fact]
    public void Generation_tells_one_credential_and_one_hub_from_another_and_nothing_of_the_credential()
    {
        byte[] credential = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
        Assert.Equal(_tokens.GenerationOf(credential), new SessionTokens([1, 2, 3], _time).GenerationOf([.. credential]));
        ulong[] others =
            [_tokens.GenerationOf([]), _tokens.GenerationOf(credential.AsSpan(0, 31)), _tokens.GenerationOf([.. credential.Reverse()]), new SessionTokens([1], _time).GenerationOf(credential)];
        Assert.DoesNotContain(_tokens.GenerationOf(credential), others);
        Assert.Equal(others.Length, others.Distinct().Count());
    }

    [Fact]
    public void Token_of_the_longest_id_fits()
    {
        string id = new('x', Limits.MinerIdChars);
        string token = _tokens.Create(new(id, 1, 2));
        Assert.InRange(token.Length, 1, Limits.SessionTokenChars);
        Assert.Equal(TokenVerdict.Genuine, _tokens.Read(token, out TokenClaims read));
        Assert.Equal(id, read.MinerId);
    }

    [Fact]
    public void Token_survives_a_restart_with_the_same_key()
    {
        string token = _tokens.Create(new("m", 1, 2));
        Assert.Equal(TokenVerdict.Genuine, new SessionTokens([1, 2, 3], _time).Read(token, out _));
    }

    [Fact]
    public void Token_ages_at_half_of_its_lifetime_and_expires_at_the_end()
    {
        string token = _tokens.Create(new("m", 1, 2));
        _time.Advance((SessionTokens.Lifetime / 2) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(TokenVerdict.Genuine, _tokens.Read(token, out _));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(TokenVerdict.Aging, _tokens.Read(token, out _));
        _time.Advance((SessionTokens.Lifetime / 2) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(TokenVerdict.Aging, _tokens.Read(token, out _));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(TokenVerdict.Expired, _tokens.Read(token, out TokenClaims claims));
        Assert.Equal(new TokenClaims("m", 1, 2), claims);
    }

    [Fact]
    public void Token_with_any_bit_changed_is_forged()
    {
        byte[] bytes = Base64Url.DecodeFromChars(_tokens.Create(new("miner-7", 42, 43)));
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            byte[] changed = [.. bytes];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            AssertForged(Base64Url.EncodeToString(changed));
        }
    }

    [Fact]
    public void Token_cut_short_or_made_longer_is_forged()
    {
        byte[] bytes = Base64Url.DecodeFromChars(_tokens.Create(new("miner-7", 42, 43)));
        for (int length = 0; length < bytes.Length; length++)
        {
            AssertForged(Base64Url.EncodeToString(bytes.AsSpan(0, length)));
        }
        AssertForged(Base64Url.EncodeToString([.. bytes, 0]));
    }

    [Fact]
    public void Token_of_another_hub_is_forged()
    {
        AssertForged(new SessionTokens([1, 2, 4], _time).Create(new("m", 1, 2)));
    }

    [Fact]
    public void Token_of_no_miner_is_forged() => AssertForged(_tokens.Create(new("", 1, 2)));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("AQ")]
    [InlineData("AQ==")]
    public void Token_of_nothing_is_forged(string? token) => AssertForged(token);

    [Fact]
    public void Token_of_zeros_of_any_length_is_forged()
    {
        for (int bytes = 1; bytes <= Limits.SessionTokenChars; bytes++)
        {
            AssertForged(Base64Url.EncodeToString(new byte[bytes]));
        }
    }

    [Theory]
    [InlineData("a")]
    [InlineData("not base64 at all!")]
    [InlineData("\0\0\0\0")]
    [InlineData("ééé")]
    [InlineData("AAAA+/==AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void Garbage_is_forged(string garbage) => AssertForged(garbage);

    private void AssertForged(string? token)
    {
        Assert.Equal(TokenVerdict.Forged, _tokens.Read(token, out TokenClaims claims));
        Assert.Equal(new TokenClaims("", 0, 0), claims);
    }
}
