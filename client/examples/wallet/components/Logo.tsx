export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" />
      <path className="outer" d="M7 9.5c3 8 6 12.500 9 13.500 3-1 6-5.500 9-13.500" />
      <path className="inner" d="M11.500 9.500c1.500 4 3 6.300 4.500 7 1.500-.7 3-3 4.500-7" />
    </svg>
  )
}
