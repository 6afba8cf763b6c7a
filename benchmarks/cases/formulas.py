# ruff: noqa: E501, one formula a line
"""Published test formulas and the ranges of their variables.

Each line: name; formula; variables as ``name`` (1 to 5) or ``name:low:high``.

References: Udrescu and Tegmark 2020 (AI Feynman); Uy et al. 2011 (Nguyen); Keijzer 2003.
"""

FEYNMAN = """
I.6.2a; exp(-theta**2/2)/sqrt(2*pi); theta:1:3
I.6.2; exp(-(theta/sigma)**2/2)/(sqrt(2*pi)*sigma); sigma:1:3 theta:1:3
I.6.2b; exp(-((theta-theta1)/sigma)**2/2)/(sqrt(2*pi)*sigma); sigma:1:3 theta:1:3 theta1:1:3
I.8.14; sqrt((x2-x1)**2+(y2-y1)**2); x1 x2 y1 y2
I.9.18; G*m1*m2/((x2-x1)**2+(y2-y1)**2+(z2-z1)**2); m1:1:2 m2:1:2 G:1:2 x1:3:4 x2:1:2 y1:3:4 y2:1:2 z1:3:4 z2:1:2
I.10.7; m0/sqrt(1-v**2/c**2); m0 v:1:2 c:3:10
I.11.19; x1*y1+x2*y2+x3*y3; x1 x2 x3 y1 y2 y3
I.12.1; mu*Nn; mu Nn
I.12.2; q1*q2/(4*pi*eps*r**2); q1 q2 eps r
I.12.4; q1/(4*pi*eps*r**2); q1 eps r
I.12.5; q2*Ef; q2 Ef
I.12.11; q*(Ef+B*v*sin(theta)); q Ef B v theta
I.13.4; m*(v**2+u**2+w**2)/2; m v u w
I.13.12; G*m1*m2*(1/r2-1/r1); m1 m2 r1 r2 G
I.14.3; m*g*z; m g z
I.14.4; k*x**2/2; k x
I.15.3x; (x-u*t)/sqrt(1-u**2/c**2); x:5:10 u:1:2 c:3:20 t:1:2
I.15.3t; (t-u*x/c**2)/sqrt(1-u**2/c**2); x c:3:10 u:1:2 t
I.15.1; m0*v/sqrt(1-v**2/c**2); m0 v:1:2 c:3:10
I.16.6; (u+v)/(1+u*v/c**2); c v u
I.18.4; (m1*r1+m2*r2)/(m1+m2); m1 m2 r1 r2
I.18.12; r*F*sin(theta); r F theta:0:5
I.18.14; m*r*v*sin(theta); m r v theta
I.24.6; m*(w**2+w0**2)*x**2/4; m:1:3 w:1:3 w0:1:3 x:1:3
I.25.13; q/C; q C
I.26.2; asin(n*sin(theta2)); n:0:1 theta2
I.27.6; 1/(1/d1+n/d2); d1 d2 n
I.29.4; w/c; w:1:10 c:1:10
I.29.16; sqrt(x1**2+x2**2-2*x1*x2*cos(theta1-theta2)); x1 x2 theta1 theta2
I.30.3; I0*sin(n*theta/2)**2/sin(theta/2)**2; I0 theta n
I.30.5; asin(lam/(n*d)); lam:1:2 d:2:5 n
I.32.5; q**2*a**2/(6*pi*eps*c**3); q a eps c
I.32.17; eps*c*Ef**2/2*8*pi*r**2/3*w**4/(w**2-w0**2)**2; eps:1:2 c:1:2 Ef:1:2 r:1:2 w:1:2 w0:3:5
I.34.8; q*v*B/p; q v B p
I.34.1; w0/(1-v/c); c:3:10 v:1:2 w0
I.34.14; (1+v/c)/sqrt(1-v**2/c**2)*w0; c:3:10 v:1:2 w0
I.34.27; h/(2*pi)*w; w h
I.37.4; I1+I2+2*sqrt(I1*I2)*cos(delta); I1 I2 delta
I.38.12; 4*pi*eps*(h/(2*pi))**2/(m*q**2); m q h eps
I.39.1; 3*pr*V/2; pr V
I.39.11; pr*V/(g-1); g:2:5 pr V
I.39.22; n*kb*T/V; n T V kb
I.40.1; n0*exp(-m*g*x/(kb*T)); n0 m x T g kb
I.41.16; h/(2*pi)*w**3/(pi**2*c**2*(exp(h/(2*pi)*w/(kb*T))-1)); w T h kb c
I.43.16; mu*q*Volt/d; mu q Volt d
I.43.31; mob*kb*T; mob T kb
I.43.43; kb*v/((g-1)*A); g:2:5 kb A v
I.44.4; n*kb*T*log(V2/V1); n kb T V1 V2
I.47.23; sqrt(g*pr/rho); g pr rho
I.48.2; m*c**2/sqrt(1-v**2/c**2); m v:1:2 c:3:10
I.50.26; x1*(cos(w*t)+alpha*cos(w*t)**2); x1:1:3 w:1:3 t:1:3 alpha:1:3
II.2.42; kappa*(T2-T1)*A/d; kappa T1 T2 A d
II.3.24; Pwr/(4*pi*r**2); Pwr r
II.4.23; q/(4*pi*eps*r); q eps r
II.6.11; pd*cos(theta)/(4*pi*eps*r**2); eps:1:3 pd:1:3 theta:1:3 r:1:3
II.6.15a; 3*pd*z*sqrt(x**2+y**2)/(4*pi*eps*r**5); eps:1:3 pd:1:3 r:1:3 x:1:3 y:1:3 z:1:3
II.6.15b; 3*pd*cos(theta)*sin(theta)/(4*pi*eps*r**3); eps:1:3 pd:1:3 theta:1:3 r:1:3
II.8.7; 3*q**2/(20*pi*eps*d); q eps d
II.8.31; eps*Ef**2/2; eps Ef
II.10.9; sden/(eps*(1+chi)); sden eps chi
II.11.3; q*Ef/(m*(w0**2-w**2)); q:1:3 Ef:1:3 m:1:3 w0:3:5 w:1:2
II.11.17; n0*(1+pd*Ef*cos(theta)/(kb*T)); n0:1:3 kb:1:3 T:1:3 theta:1:3 pd:1:3 Ef:1:3
II.11.20; nr*pd**2*Ef/(3*kb*T); nr pd Ef kb T
II.11.27; n*alpha/(1-n*alpha/3)*eps*Ef; n:0:1 alpha:0:1 eps:1:2 Ef:1:2
II.11.28; 1+n*alpha/(1-n*alpha/3); n:0:1 alpha:0:1
II.13.17; 2*cur/(4*pi*eps*c**2*r); eps c cur r
II.13.23; rho/sqrt(1-v**2/c**2); rho v:1:2 c:3:10
II.13.34; rho*v/sqrt(1-v**2/c**2); rho v:1:2 c:3:10
II.15.4; -mom*B*cos(theta); mom B theta
II.15.5; -pd*Ef*cos(theta); pd Ef theta
II.21.32; q/(4*pi*eps*r*(1-v/c)); q eps r v:1:2 c:3:10
II.24.17; sqrt(w**2/c**2-pi**2/d**2); w:4:6 c:1:2 d:2:4
II.27.16; eps*c*Ef**2; eps c Ef
II.27.18; eps*Ef**2; eps Ef
II.34.2a; q*v/(2*pi*r); q v r
II.34.2; q*v*r/2; q v r
II.34.11; gl*q*B/(2*m); gl q B m
II.34.29a; q*h/(4*pi*m); q h m
II.34.29b; gl*mom*B*Jz*2*pi/h; gl h Jz mom B
II.35.18; n0/(exp(mom*B/(kb*T))+exp(-mom*B/(kb*T))); n0:1:3 kb:1:3 T:1:3 mom:1:3 B:1:3
II.35.21; nr*mom*tanh(mom*B/(kb*T)); nr mom B kb T
II.36.38; mom*H/(kb*T)+mom*alpha*M/(eps*c**2*kb*T); mom:1:3 H:1:3 kb:1:3 T:1:3 alpha:1:3 eps:1:3 c:1:3 M:1:3
II.37.1; mom*(1+chi)*B; mom B chi
II.38.3; Y*A*x/d; Y A d x
II.38.14; Y/(2*(1+sigma)); Y sigma
III.4.32; 1/(exp(h/(2*pi)*w/(kb*T))-1); h w kb T
III.4.33; h/(2*pi)*w/(exp(h/(2*pi)*w/(kb*T))-1); h w kb T
III.7.38; 4*pi*mom*B/h; mom B h
III.8.54; sin(En*t*2*pi/h)**2; En:1:2 t:1:2 h:1:4
III.9.52; pd*Ef*t*2*pi/h*sin((w-w0)*t/2)**2/((w-w0)*t/2)**2; pd:1:3 Ef:1:3 t:1:3 h:1:3 w w0
III.10.19; mom*sqrt(Bx**2+By**2+Bz**2); mom Bx By Bz
III.12.43; n*h/(2*pi); n h
III.13.18; 4*pi*En*d**2*k/h; En d k h
III.14.14; I0*(exp(q*Volt/(kb*T))-1); I0 q:1:2 Volt:1:2 kb:1:2 T:1:2
III.15.12; 2*U*(1-cos(k*d)); U k d
III.15.14; h**2/(8*pi**2*En*d**2); h En d
III.15.27; 2*pi*alpha/(n*d); alpha n d
III.17.37; beta*(1+alpha*cos(theta)); beta alpha theta
III.19.51; -m*q**4/(8*eps**2*h**2*n**2); m q h n eps
III.21.20; -rho*q*Av/m; rho q Av m
"""

NGUYEN = """
Nguyen-1; x**3+x**2+x; x:-1:1
Nguyen-2; x**4+x**3+x**2+x; x:-1:1
Nguyen-3; x**5+x**4+x**3+x**2+x; x:-1:1
Nguyen-4; x**6+x**5+x**4+x**3+x**2+x; x:-1:1
Nguyen-5; sin(x**2)*cos(x)-1; x:-1:1
Nguyen-6; sin(x)+sin(x+x**2); x:-1:1
Nguyen-7; log(x+1)+log(x**2+1); x:0:2
Nguyen-8; sqrt(x); x:0:4
Nguyen-9; sin(x)+sin(y**2); x:0:1 y:0:1
Nguyen-10; 2*sin(x)*cos(y); x:0:1 y:0:1
Nguyen-11; x**y; x:0:1 y:0:1
Nguyen-12; x**4-x**3+y**2/2-y; x:0:1 y:0:1
"""

KEIJZER = """
Keijzer-1; 3*x*sin(2*pi*x)/10; x:-1:1
Keijzer-2; 3*x*sin(2*pi*x)/10; x:-2:2
Keijzer-3; 3*x*sin(2*pi*x)/10; x:-3:3
Keijzer-4; x**3*exp(-x)*cos(x)*sin(x)*(sin(x)**2*cos(x)-1); x:0:10
Keijzer-5; 30*x*z/((x-10)*y**2); x:-1:1 y:1:2 z:-1:1
Keijzer-6; harmonic(x); x:1:50
Keijzer-7; log(x); x:1:100
Keijzer-8; sqrt(x); x:0:100
Keijzer-9; asinh(x); x:0:100
Keijzer-10; x**y; x:0:1 y:0:1
Keijzer-11; x*y+sin((x-1)*(y-1)); x:-3:3 y:-3:3
Keijzer-12; x**4-x**3+y**2/2-y; x:-3:3 y:-3:3
Keijzer-13; 6*sin(x)*cos(y); x:-3:3 y:-3:3
Keijzer-14; 8/(2+x**2+y**2); x:-3:3 y:-3:3
Keijzer-15; x**3/5+y**3/2-y-x; x:-3:3 y:-3:3
"""
