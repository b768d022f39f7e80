using System.Globalization;

namespace PoolHub.Protocol;

/// <summary>
/// A price in tokens per 1,000 seconds of work, fixed-point in units of 1e-8 token, so that equal prices are equal
/// everywhere. JSON carries it as a decimal number, the wire as an integer of these units.
/// </summary>
public readonly record struct TokenPrice(long E8) : IComparable<TokenPrice>
{
    /// <summary>One token, in units of 1e-8.</summary>
    public const long Unit = 100_000_000;

    /// <summary>How many decimals a price has at most.</summary>
    public const int Decimals = 8;

    /// <summary>The dearest price that is accepted: a thousand million tokens.</summary>
    public static readonly TokenPrice Max = new(1_000_000_000 * Unit);

    /// <summary>The price as a decimal number of tokens, exact.</summary>
    public decimal Tokens => (decimal)E8 / Unit;

    /// <summary>Whether the price lies between nothing and <see cref="Max"/>.</summary>
    public bool IsValid => E8 >= 0 && E8 <= Max.E8;

    /// <summary>The nearest price to a decimal number; false when it is out of range.</summary>
    public static bool TryFromTokens(decimal tokens, out TokenPrice price)
    {
        price = default;
        if (tokens < 0 || tokens > Max.Tokens)
        {
            return false;
        }
        price = new TokenPrice((long)Math.Round(tokens * Unit, MidpointRounding.ToEven));
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(TokenPrice other) => E8.CompareTo(other.E8);

    /// <summary>Tokens with as many decimals as it takes: <c>0.75</c>.</summary>
    public override string ToString() => Tokens.ToString("0.########", CultureInfo.InvariantCulture);

    /// <summary>Whether the left is cheaper.</summary>
    public static bool operator <(TokenPrice left, TokenPrice right) => left.E8 < right.E8;

    /// <summary>Whether the left is cheaper, or both are the same.</summary>
    public static bool operator <=(TokenPrice left, TokenPrice right) => left.E8 <= right.E8;

    /// <summary>Whether the left is dearer.</summary>
    public static bool operator >(TokenPrice left, TokenPrice right) => left.E8 > right.E8;

    /// <summary>Whether the left is dearer, or both are the same.</summary>
    public static bool operator >=(TokenPrice left, TokenPrice right) => left.E8 >= right.E8;
}
